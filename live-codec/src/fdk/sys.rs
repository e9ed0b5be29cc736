//! The unsafe part: owned handles over the library's encoder and decoder.
#![allow(unsafe_code)]

use fdk_aac_sys as ffi;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::{self, NonNull};

/// An error code of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub u32);

/// Channels and samples of the largest frame: 8 channels of HE-AAC.
pub(super) const MAX_FRAME: usize = 8 * 2048;

/// Bits that one channel of an access unit may take (ISO/IEC 14496-3 section 4.5.3.1), in bytes.
const MAX_BYTES_PER_CHANNEL: usize = 6144 / 8;

fn check(code: ffi::AACENC_ERROR) -> Result<(), Code> {
    if code == ffi::AACENC_ERROR_AACENC_OK { Ok(()) } else { Err(Code(code)) }
}

/// An encoder handle.
pub(super) struct Encoder {
    handle: NonNull<ffi::AACENCODER>,
    /// The most that one access unit takes.
    room: usize,
}

/// What the library says about an open encoder.
pub(super) struct EncoderInfo {
    pub(super) delay: u32,
    pub(super) config: Vec<u8>,
}

impl Encoder {
    /// Opens an encoder for raw access units of AAC-LC from interleaved samples in the order of WAV files.
    pub(super) fn open(
        sample_rate: u32,
        channels: u16,
        bits_per_second: u32,
    ) -> Result<(Self, EncoderInfo), Code> {
        let mut handle = ptr::null_mut();
        // SAFETY: `handle` is a place for one pointer.
        check(unsafe { ffi::aacEncOpen(&raw mut handle, 0, channels.into()) })?;
        let handle = NonNull::new(handle).ok_or(Code(ffi::AACENC_ERROR_AACENC_INIT_ERROR))?;
        let mut encoder = Self { handle, room: MAX_BYTES_PER_CHANNEL * usize::from(channels) };
        for (param, value) in [
            (ffi::AACENC_PARAM_AACENC_AOT, ffi::AUDIO_OBJECT_TYPE_AOT_AAC_LC as c_uint),
            (ffi::AACENC_PARAM_AACENC_SAMPLERATE, sample_rate),
            // The modes for one to six channels have their numbers.
            (ffi::AACENC_PARAM_AACENC_CHANNELMODE, channels.into()),
            (ffi::AACENC_PARAM_AACENC_CHANNELORDER, 1),
            (ffi::AACENC_PARAM_AACENC_BITRATEMODE, 0),
            (ffi::AACENC_PARAM_AACENC_BITRATE, bits_per_second),
            (ffi::AACENC_PARAM_AACENC_TRANSMUX, ffi::TRANSPORT_TYPE_TT_MP4_RAW as c_uint),
            (ffi::AACENC_PARAM_AACENC_AFTERBURNER, 1),
        ] {
            encoder.set(param, value)?;
        }
        // Null arguments apply the parameters.
        // SAFETY: the handle is open, and the library documents null descriptors for this purpose.
        check(unsafe {
            ffi::aacEncEncode(handle.as_ptr(), ptr::null(), ptr::null(), ptr::null(), ptr::null_mut())
        })?;
        let info = encoder.info()?;
        Ok((encoder, info))
    }

    pub(super) fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), Code> {
        self.set(ffi::AACENC_PARAM_AACENC_BITRATE, bits_per_second)
    }

    fn set(&mut self, param: ffi::AACENC_PARAM, value: u32) -> Result<(), Code> {
        // SAFETY: the handle is open.
        check(unsafe { ffi::aacEncoder_SetParam(self.handle.as_ptr(), param, value) })
    }

    fn info(&mut self) -> Result<EncoderInfo, Code> {
        // SAFETY: the structure is plain numbers, for which zero is a value.
        let mut info: ffi::AACENC_InfoStruct = unsafe { std::mem::zeroed() };
        // SAFETY: the handle is open and `info` is a whole structure of the type the function fills.
        check(unsafe { ffi::aacEncInfo(self.handle.as_ptr(), &raw mut info) })?;
        let length = (info.confSize as usize).min(info.confBuf.len());
        self.room = self.room.max(info.maxOutBufBytes as usize);
        Ok(EncoderInfo { delay: info.nDelay, config: info.confBuf[..length].to_vec() })
    }

    /// Encodes interleaved samples into `out` (resized to what came out) and returns how many were taken.
    pub(super) fn encode(&mut self, samples: &mut [i16], out: &mut Vec<u8>) -> Result<usize, Code> {
        out.resize(self.room, 0);
        let mut input = Buffer::new(ffi::AACENC_BufferIdentifier_IN_AUDIO_DATA, samples);
        let mut output = Buffer::new(ffi::AACENC_BufferIdentifier_OUT_BITSTREAM_DATA, out);
        let arguments =
            ffi::AACENC_InArgs { numInSamples: c_int::try_from(samples.len()).unwrap_or(0), numAncBytes: 0 };
        // SAFETY: the structure is plain numbers, for which zero is a value.
        let mut result: ffi::AACENC_OutArgs = unsafe { std::mem::zeroed() };
        let (input, output) = (input.description(), output.description());
        // SAFETY: the handle is open; the descriptions name one buffer each with its true size and element size, and
        // all of it outlives the call.
        let code = unsafe {
            let (input, output) = (&raw const input, &raw const output);
            ffi::aacEncEncode(self.handle.as_ptr(), input, output, &raw const arguments, &raw mut result)
        };
        out.truncate(usize::try_from(result.numOutBytes).unwrap_or(0));
        check(code)?;
        Ok(usize::try_from(result.numInSamples).unwrap_or(0))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let mut handle = self.handle.as_ptr();
        // SAFETY: the handle is open and nothing uses it afterwards.
        unsafe { ffi::aacEncClose(&raw mut handle) };
    }
}

/// One buffer in the form in which the library wants a list of them.
struct Buffer {
    place: *mut c_void,
    identifier: c_int,
    size: c_int,
    element_size: c_int,
}

impl Buffer {
    fn new<T>(identifier: ffi::AACENC_BufferIdentifier, data: &mut [T]) -> Self {
        Self {
            place: data.as_mut_ptr().cast(),
            identifier: identifier as c_int,
            size: c_int::try_from(size_of_val(data)).unwrap_or(0),
            element_size: size_of::<T>() as c_int,
        }
    }

    /// Points into `self`, which has to outlive it.
    fn description(&mut self) -> ffi::AACENC_BufDesc {
        ffi::AACENC_BufDesc {
            numBufs: 1,
            bufs: &raw mut self.place,
            bufferIdentifiers: &raw mut self.identifier,
            bufSizes: &raw mut self.size,
            bufElSizes: &raw mut self.element_size,
        }
    }
}

/// A decoder handle.
pub(super) struct Decoder {
    handle: NonNull<ffi::AAC_DECODER_INSTANCE>,
}

/// What the library says about the sound it decoded last.
#[derive(Clone, Copy, Debug)]
pub(super) struct DecoderInfo {
    pub(super) sample_rate: u32,
    pub(super) channels: u16,
    /// Samples per channel in the frame.
    pub(super) frame_size: usize,
    /// Samples per channel between a sample and its place in the access unit.
    pub(super) delay: u32,
}

impl Decoder {
    /// Opens a decoder of raw access units with an `AudioSpecificConfig`.
    pub(super) fn open(config: &[u8]) -> Result<Self, Code> {
        // SAFETY: the function takes plain numbers.
        let handle = unsafe { ffi::aacDecoder_Open(ffi::TRANSPORT_TYPE_TT_MP4_RAW, 1) };
        let decoder =
            Self { handle: NonNull::new(handle).ok_or(Code(ffi::AAC_DECODER_ERROR_AAC_DEC_OUT_OF_MEMORY))? };
        for (param, value) in [
            // The limiter changes samples and delays them; the sinks clip what is over full scale.
            (ffi::AACDEC_PARAM_AAC_PCM_LIMITER_ENABLE, 0),
            // Concealing by interpolation would need the frame after the lost one: 1024 samples of delay.
            (ffi::AACDEC_PARAM_AAC_CONCEAL_METHOD, 1),
            // Sound as it was encoded, at no reference level.
            (ffi::AACDEC_PARAM_AAC_DRC_REFERENCE_LEVEL, -1),
            // Channels in the order of WAV files.
            (ffi::AACDEC_PARAM_AAC_PCM_OUTPUT_CHANNEL_MAPPING, 1),
        ] {
            // SAFETY: the handle is open.
            check(unsafe { ffi::aacDecoder_SetParam(decoder.handle.as_ptr(), param, value) })?;
        }
        let mut place = config.as_ptr().cast_mut();
        let length = c_uint::try_from(config.len()).unwrap_or(0);
        // SAFETY: the handle is open; the library reads `length` bytes and keeps no pointer to them.
        check(unsafe {
            ffi::aacDecoder_ConfigRaw(decoder.handle.as_ptr(), &raw mut place, &raw const length)
        })?;
        Ok(decoder)
    }

    /// Decodes an access unit into the front of `out`.
    pub(super) fn decode(&mut self, unit: &[u8], out: &mut [i16; MAX_FRAME]) -> Result<DecoderInfo, Code> {
        let mut place = unit.as_ptr().cast_mut();
        let length = c_uint::try_from(unit.len()).unwrap_or(0);
        let mut left = length;
        // SAFETY: the handle is open; the library copies at most `length` bytes from `place`.
        check(unsafe {
            ffi::aacDecoder_Fill(self.handle.as_ptr(), &raw mut place, &raw const length, &raw mut left)
        })?;
        self.decode_filled(out, 0)
    }

    /// Takes out the sound that the decoder's delay held back.
    pub(super) fn drain(&mut self, out: &mut [i16; MAX_FRAME]) -> Result<DecoderInfo, Code> {
        self.decode_filled(out, ffi::AACDEC_FLUSH)
    }

    fn decode_filled(&mut self, out: &mut [i16; MAX_FRAME], flags: c_uint) -> Result<DecoderInfo, Code> {
        // SAFETY: the handle is open and `out` has room for the number of samples given.
        check(unsafe {
            ffi::aacDecoder_DecodeFrame(self.handle.as_ptr(), out.as_mut_ptr(), MAX_FRAME as c_int, flags)
        })?;
        // SAFETY: the handle is open; the library returns a pointer into it, or null.
        let info = unsafe { ffi::aacDecoder_GetStreamInfo(self.handle.as_ptr()).as_ref() };
        let info = info.ok_or(Code(ffi::AAC_DECODER_ERROR_AAC_DEC_UNKNOWN))?;
        let number = |value: c_int| u32::try_from(value).unwrap_or(0);
        let channels = number(info.numChannels).min(8) as u16;
        let room = MAX_FRAME / usize::from(channels.max(1));
        Ok(DecoderInfo {
            sample_rate: number(info.sampleRate),
            channels,
            frame_size: (number(info.frameSize) as usize).min(room),
            delay: info.outputDelay,
        })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the handle is open and nothing uses it afterwards.
        unsafe { ffi::aacDecoder_Close(self.handle.as_ptr()) };
    }
}
